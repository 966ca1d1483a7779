import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { Check, Host } from "../../api/models";

export function useHost() {
  return useQuery({ queryKey: ["host"], queryFn: ({ signal }) => get<Host>("/host", signal) });
}
export function useChecks(enabled: boolean) {
  return useQuery({ queryKey: ["checks"], queryFn: ({ signal }) => get<Check[]>("/checks", signal), enabled });
}
