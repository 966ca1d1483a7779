import { Card, CardBody, PageSection } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { Switch } from "../../api/models";
import { Fact, Facts } from "../../ui/facts";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { SetupNeeded } from "../host/setup_needed";
import { guestPage } from "../guests/guests";

export default function Networks() {
  const { data, error, refetch } = useQuery({ queryKey: ["switches"], queryFn: ({ signal }) => get<Switch[]>("/switches", signal) });
  return (
    <>
      <PageHead title="Networks" windowTitle="Networks" />
      <PageSection>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the switches" />}
        <SetupNeeded />
        {data?.length === 0 && <p className="quiet">There is no switch yet; the set-up of the host makes one.</p>}
        <div className="cards">
          {data?.map((each) => (
            <Card key={each.name}>
              <CardBody>
                <h2 className="section-title">
                  {each.name} <StateLabel state={each.state} />
                </h2>
                <Facts>
                  <Fact name="Kind">{each.kind}</Fact>
                  <Fact name="Bridge">
                    <code>{each.bridge}</code>
                  </Fact>
                  <Fact name="Address">{each.address}</Fact>
                  <Fact name="Guests" wide>
                    {each.guests.length ? each.guests.map((name) => <Link key={name} className="spaced whole" to={guestPage(name)}>{name}</Link>) : "none"}
                  </Fact>
                </Facts>
              </CardBody>
            </Card>
          ))}
        </div>
      </PageSection>
    </>
  );
}
