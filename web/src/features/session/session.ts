import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, get } from "../../api/client";
import type { WhoAmI } from "../../api/models";
import { ApiError } from "../../api/problem";

const key = ["whoami"];
const retryInterval = 3000;

/// Who is logged in: undefined while it is being asked, null when nobody is.
export function useWhoAmI() {
  return useQuery<WhoAmI | null>({
    queryKey: key,
    queryFn: async ({ signal }) => {
      try {
        return await get<WhoAmI>("/whoami", signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: Infinity,
    // Without it there is no page: asked for until there is one.
    refetchInterval: ({ state }) => (state.status === "error" ? retryInterval : false),
  });
}

/// For everything inside the shell, where somebody is logged in.
export function useUser(): WhoAmI {
  const { data } = useWhoAmI();
  return data ?? { user: "", role: "viewer", groups: [], source: "" };
}

export const mayMake = (user: WhoAmI): boolean => user.role === "administrator" || user.role === "member";
export const mayAdminister = (user: WhoAmI): boolean => user.role === "administrator";

export function useLogIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (credentials: { user: string; password: string }) =>
      (await call<WhoAmI>("POST", "/session", { body: credentials })).data,
    onSuccess: (who) => {
      // Nothing that another user may have seen stays.
      client.clear();
      client.setQueryData(key, who);
    },
  });
}

export function useLogOut() {
  return useMutation({
    mutationFn: () => call("DELETE", "/session"),
    // A page loaded anew: nothing that one user saw stays in it for the next.
    onSettled: () => {
      try {
        sessionStorage.clear();
      } catch {
        // Storage may be forbidden; then nothing was kept either.
      }
      window.location.assign("/login");
    },
  });
}

/// Only a path of this site: `to` comes from the address and may have been written by somebody else.
export function safeReturn(to: string | null): string {
  if (!to || !/^\/(?![/\\])/.test(to) || /[\u0000-\u001f\\]/.test(to)) return "/";
  return to.startsWith("/login") ? "/" : to;
}
