export const places = [
  { path: "/", label: "Overview" },
  { path: "/guests", label: "Guests" },
  { path: "/templates", label: "Templates" },
  { path: "/networks", label: "Networks" },
  { path: "/storage", label: "Storage" },
  { path: "/protection", label: "Protection" },
  { path: "/host", label: "Host" },
  { path: "/activity", label: "Activity" },
] as const;
