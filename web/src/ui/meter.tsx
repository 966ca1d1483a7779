/// A bar for a part of a whole, with its words beside it: the bar alone says nothing to many.
export function Meter({ part, whole, label }: { part: number; whole: number; label: string }) {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  const level = share > 0.95 ? "full" : share > 0.85 ? "high" : "fine";
  return (
    <svg className={`meter meter-${level}`} viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect className="meter-whole" width="100" height="4" />
      <rect className="meter-part" width={share * 100} height="4" />
    </svg>
  );
}
