import { toString } from "cronstrue";
import type { Retention } from "../../api/models";

/// "At 03:30, every day"; nothing while it is no schedule.
export function scheduleWords(schedule: string): string | undefined {
  try {
    return toString(schedule, { use24HourTimeFormat: true, verbose: true });
  } catch {
    return undefined;
  }
}

export const rules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Rule = (typeof rules)[number];

export const ruleWords: Record<Rule, string> = {
  last: "Newest",
  hourly: "Hours",
  daily: "Days",
  weekly: "Weeks",
  monthly: "Months",
  yearly: "Years",
};

/// "7 days, 4 weeks".
export function retentionWords(retention: Retention): string {
  const parts = rules.flatMap((rule) => (retention[rule] ? [`${retention[rule]} ${ruleWords[rule].toLowerCase()}`] : []));
  return parts.join(", ") || "everything";
}
