import type { Template } from "../../api/models";

export const kinds: Readonly<Record<Template["kind"], string>> = { image: "disk image", iso: "install CD", empty: "empty disk" };

const rank: Readonly<Record<Template["kind"], number>> = { image: 0, iso: 1, empty: 2 };

/// What boots by itself comes first, what needs most work last; by title within.
export function sortTemplates(templates: readonly Template[]): Template[] {
  return [...templates].sort(
    (a, b) => Number(b.available) - Number(a.available) || rank[a.kind] - rank[b.kind] || a.title.localeCompare(b.title, "en"),
  );
}

/// Whether a VM made from it has something to boot.
export const boots = (template: Template): boolean => template.kind !== "empty";

/// What becomes of a VM that is made from it.
export function outcome(template: Template, start: boolean): string {
  switch (template.kind) {
    case "image":
      return start ? "It boots from its disk as soon as it is made." : "It stays stopped; started, it boots from its disk.";
    case "iso":
      return start
        ? "It boots from the install CD as soon as it is made; the installation goes on at its screen."
        : "It stays stopped; started, it boots from the install CD.";
    case "empty":
      return start
        ? "There is nothing to boot: its disk is empty and it has no CD. It will wait in the firmware."
        : "It stays stopped until something has been written to its disk.";
  }
}
