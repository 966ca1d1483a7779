/// Paths of a guest, as the API writes them: names between "/", with \\xHH for bytes that cannot be shown.

export interface Place {
  disk?: string;
  partition?: string;
  path: string;
}

export const child = (path: string, name: string): string => (path === "/" ? `/${name}` : `${path}/${name}`);

/// From the root on: each directory that leads to this one, with its path.
export function crumbs(path: string): { name: string; path: string }[] {
  const names = path.split("/").filter((name) => name !== "");
  return names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join("/")}` }));
}

export function query({ disk, partition, path }: Place, from = 0): string {
  const words = new URLSearchParams({ path });
  if (disk) words.set("disk", disk);
  if (partition) words.set("partition", partition);
  if (from > 0) words.set("from", String(from));
  return words.toString();
}

/// As ls(1) writes it: "rwxr-x---".
export function permissions(mode: number): string {
  const special = [0o4000, 0o2000, 0o1000];
  return [6, 3, 0]
    .map((shift, index) => {
      const bits = (mode >> shift) & 7;
      const letter = index === 2 ? "t" : "s";
      const last = mode & special[index]! ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? "x" : "-";
      return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + last;
    })
    .join("");
}
