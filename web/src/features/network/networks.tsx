import { PageSection } from "@patternfly/react-core";
import { NavLink, useParams } from "react-router-dom";
import { PageHead } from "../../ui/page";
import { SetupNeeded } from "../host/setup_needed";
import { mayAdminister, useUser } from "../session/session";
import { FirewallTab } from "./firewall";
import { ForwardsTab } from "./forwards";
import { LeasesTab } from "./leases";
import { PictureTab } from "./picture";
import { SwitchesTab } from "./switches";
import { UplinksTab } from "./uplinks";

const tabs = { picture: PictureTab, switches: SwitchesTab, uplinks: UplinksTab, leases: LeasesTab, forwards: ForwardsTab, firewall: FirewallTab };
const words: Record<keyof typeof tabs, string> = {
  picture: "Picture",
  switches: "Switches",
  uplinks: "Uplinks",
  leases: "Addresses",
  forwards: "Forwards",
  firewall: "Firewall",
};
const administratorsOnly: readonly string[] = ["uplinks", "firewall"];

export default function Networks() {
  const administers = mayAdminister(useUser());
  const asked = useParams()["tab"];
  const tab = asked && asked in tabs ? (asked as keyof typeof tabs) : "picture";
  const Shown = tabs[tab];
  return (
    <>
      <PageHead title="Networks" windowTitle={words[tab]} />
      <PageSection className="page-tabs">
        <nav aria-label="Parts of the networks" className="tabs">
          {(Object.keys(tabs) as (keyof typeof tabs)[])
            .filter((each) => administers || !administratorsOnly.includes(each))
            .map((each) => (
              <NavLink key={each} end to={each === "picture" ? "/networks" : `/networks/${each}`}>
                {words[each]}
              </NavLink>
            ))}
        </nav>
      </PageSection>
      <PageSection>
        <SetupNeeded />
        <Shown administers={administers} />
      </PageSection>
    </>
  );
}
