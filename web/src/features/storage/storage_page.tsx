import { PageSection } from "@patternfly/react-core";
import { NavLink, useParams } from "react-router-dom";
import { PageHead } from "../../ui/page";
import { mayAdminister, useUser } from "../session/session";
import { DisksTab } from "./disks";
import { PoolsTab } from "./pools";
import { SpaceTab } from "./space";

const tabs = { pools: PoolsTab, space: SpaceTab, disks: DisksTab };
const words: Record<keyof typeof tabs, string> = { pools: "Pools", space: "Space", disks: "Disks" };

export default function Storage() {
  const administers = mayAdminister(useUser());
  const asked = useParams()["tab"];
  const tab = asked && asked in tabs ? (asked as keyof typeof tabs) : "pools";
  const Shown = tabs[tab];
  return (
    <>
      <PageHead title="Storage" windowTitle={words[tab]} />
      <PageSection className="page-tabs">
        <nav aria-label="Parts of the storage" className="tabs">
          {(Object.keys(tabs) as (keyof typeof tabs)[])
            .filter((each) => administers || each !== "disks")
            .map((each) => (
              <NavLink key={each} end to={each === "pools" ? "/storage" : `/storage/${each}`}>
                {words[each]}
              </NavLink>
            ))}
        </nav>
      </PageSection>
      <PageSection>
        <Shown administers={administers} />
      </PageSection>
    </>
  );
}
