/// The name as it stands in the masthead and above the log-in.
export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect x="2" y="2" width="28" height="28" rx="7" className="logo-ground" />
        <path d="M9 8v16M9 16h4.5a4 4 0 0 1 0 8H9" className="logo-b" />
        <path d="M20 8v7m5-7v7m-5-3.5h5" className="logo-h" />
      </svg>
      <span className="logo-name">bHype</span>
    </span>
  );
}
