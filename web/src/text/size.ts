const units = ["B", "K", "M", "G", "T", "P", "E"];

/// Bytes as zfs(8) prints them: binary units, at most five characters, no decimals when they would be zeros.
export function formatSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return "-";
  const sign = bytes < 0 ? "-" : "";
  const amount = Math.abs(bytes);
  let index = 0;
  while (index < units.length - 1 && amount >= 1024 ** (index + 1)) index++;
  const unit = 1024 ** index;
  if (index === 0) return `${sign}${amount}B`;
  if (amount % unit === 0) return `${sign}${amount / unit}${units[index]}`;
  for (const decimals of [2, 1, 0]) {
    const text = (amount / unit).toFixed(decimals) + units[index];
    if (text.length <= 5 || decimals === 0) return sign + text;
  }
  return sign + amount;
}

/// "512M", "1.5g", "20 GiB", "1073741824" to bytes; undefined when it is none of these.
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([BKMGTPE])?(?:I?B)?\s*$/i.exec(text);
  if (!match) return undefined;
  const index = units.indexOf((match[2] ?? "B").toUpperCase());
  const bytes = Number(match[1]) * 1024 ** index;
  return Number.isFinite(bytes) && Number.isInteger(bytes) ? bytes : undefined;
}

/// The shortest text that the API reads back as exactly these bytes: "512M", "20G".
export function sizeInput(bytes: number): string {
  for (let index = units.length - 1; index > 0; index--) {
    const unit = 1024 ** index;
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${units[index]}`;
  }
  return String(bytes);
}
