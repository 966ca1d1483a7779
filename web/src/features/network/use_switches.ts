import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { Switch } from "../../api/models";

/// All switches; read again when the server tells that one has changed.
export const useSwitches = (enabled = true) =>
  useQuery({ queryKey: ["switches"], queryFn: ({ signal }) => get<Switch[]>("/switches", signal), enabled });
