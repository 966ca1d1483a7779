/// What stands for a longer text in a list.
export const firstLine = (text: string): string => text.split("\n", 1)[0]!;
