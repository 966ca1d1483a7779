/// Words that VMs are sorted by, as somebody types them.

export const tagsHelp = "Words with spaces between, such as: test team-a. Snapshot plans may name them";

export const tagsInput = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/// What the server says of them, whichever it means.
export const tagsProblem = (problems: Record<string, string>): string | undefined =>
  Object.entries(problems).find(([field]) => /^tags(\[\d+\])?$/.test(field))?.[1];
