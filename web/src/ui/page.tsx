import { Content, PageSection, Skeleton } from "@patternfly/react-core";
import { type ReactNode, useEffect } from "react";

/// The head of a page: its title (also the window's), what stands beside it, and what one can do.
export function PageHead({
  title,
  windowTitle,
  children,
  actions,
}: {
  title: ReactNode;
  windowTitle: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${windowTitle} - bHype`;
  }, [windowTitle]);
  return (
    <PageSection className="page-head">
      <div className="page-head-line">
        <Content component="h1">{title}</Content>
        {children}
        {actions && <div className="page-head-actions">{actions}</div>}
      </div>
    </PageSection>
  );
}

/// What stands in place of content that is on its way.
export function Waiting({ lines = 4, label }: { lines?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="waiting">
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} width={`${90 - ((index * 17) % 40)}%`} />
      ))}
    </div>
  );
}
