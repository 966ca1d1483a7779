import { PageSection } from "@patternfly/react-core";
import { NavLink } from "react-router-dom";
import { mayAdminister, useUser } from "../session/session";

/// Nothing for those who would see one tab alone.
export function ActivityTabs() {
  if (!mayAdminister(useUser())) return null;
  return (
    <PageSection className="page-tabs">
      <nav aria-label="Parts of the activity" className="tabs">
        <NavLink end to="/activity">
          Tasks
        </NavLink>
        <NavLink to="/activity/audit">Audit</NavLink>
      </nav>
    </PageSection>
  );
}
