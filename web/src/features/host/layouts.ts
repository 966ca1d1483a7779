export const layoutNames = { stripe: "Stripe, no redundancy", mirror: "Mirror", raidz1: "RAID-Z1", raidz2: "RAID-Z2", raidz3: "RAID-Z3" };
export type Layout = keyof typeof layoutNames;

const fewest: Record<Layout, number> = { mirror: 2, raidz1: 2, raidz2: 3, raidz3: 4, stripe: 1 };

/// The layouts that so many disks can have, the safest simple one first.
export function fitting(disks: number): Layout[] {
  return (Object.keys(fewest) as Layout[]).filter((layout) => disks >= fewest[layout]);
}

/// Roughly what can be written, in bytes: ZFS's own needs and padding come off it.
export function usable(layout: Layout, sizes: readonly number[]): number {
  if (sizes.length === 0) return 0;
  const smallest = Math.min(...sizes);
  if (layout === "stripe") return sizes.reduce((sum, size) => sum + size, 0);
  if (layout === "mirror") return smallest;
  return smallest * Math.max(0, sizes.length - Number(layout.slice(-1)));
}
