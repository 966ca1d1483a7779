import { Alert, Button, Card, CardBody, PageSection } from "@patternfly/react-core";
import { Link } from "react-router-dom";
import type { Check } from "../../api/models";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { mayAdminister, useUser } from "../session/session";
import { useChecks } from "./host";

// What needs a look comes first.
const rank: Record<Check["state"], number> = { failed: 0, warning: 1, ok: 2 };

export default function Checks() {
  const may = mayAdminister(useUser());
  const { data, error, refetch, isFetching } = useChecks(may);
  const failed = data?.some(({ state }) => state === "failed") ?? false;
  return (
    <>
      <PageHead
        title="Host"
        windowTitle="Host"
        actions={
          may && (
            <>
              <Button variant="secondary" isLoading={isFetching} isDisabled={isFetching} onClick={() => void refetch()}>
                Check again
              </Button>
              <Button variant={failed ? "primary" : "secondary"} component={(props) => <Link {...props} to="/setup" />}>
                Set up
              </Button>
            </>
          )
        }
      />
      <PageSection>
        {!may && <Alert isInline variant="info" component="p" title="Only administrators (group wheel) see the checks of the host." />}
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {may && !data && !error && <Waiting label="Checking the host" />}
        {data && (
          <Card>
            <CardBody>
              <h2 className="section-title">Checks</h2>
              <ul className="plain-list checks">
                {[...data].sort((a, b) => rank[a.state] - rank[b.state]).map((check) => (
                  <li key={check.id} className="check">
                    <span>
                      <StateLabel state={check.state} />
                    </span>
                    <span>{check.title}</span>
                    <span className="quiet">{check.found}</span>
                    {check.state !== "ok" && check.advice && <p className="check-advice">{check.advice}</p>}
                  </li>
                ))}
              </ul>
            </CardBody>
          </Card>
        )}
      </PageSection>
    </>
  );
}
