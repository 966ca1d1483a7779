import type { ReactNode } from "react";

export function PlanList({ title, items }: { title: string; items: readonly ReactNode[] }) {
  if (items.length === 0) return null;
  return (
    <div>
      <h2 className="section-title">{title}</h2>
      <ul className="plan-list">
        {items.map((item, index) => (
          <li key={index}>{item}</li>
        ))}
      </ul>
    </div>
  );
}

/// "tank/bhype/guest/web1/disk0 (2G, 45M used)": a name of the host's, and what there is to say about it.
export function planItem(item: string): ReactNode {
  const end = item.indexOf(" (");
  if (end < 0) return <code>{item}</code>;
  return (
    <>
      <code>{item.slice(0, end)}</code>
      <span className="quiet">{item.slice(end)}</span>
    </>
  );
}
