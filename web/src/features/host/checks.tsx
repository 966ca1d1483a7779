import { Alert, Card, CardBody, PageSection } from "@patternfly/react-core";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { mayAdminister, useUser } from "../session/session";
import { useChecks } from "./host";

export default function Checks() {
  const may = mayAdminister(useUser());
  const { data, error, refetch } = useChecks(may);
  return (
    <>
      <PageHead title="Host" windowTitle="Host" />
      <PageSection>
        {!may && <Alert isInline variant="info" component="p" title="Only administrators (group wheel) see the checks of the host." />}
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {may && !data && !error && <Waiting label="Checking the host" />}
        {data && (
          <Card>
            <CardBody>
              <h2 className="section-title">Checks</h2>
              <ul className="plain-list checks">
                {data.map((check) => (
                  <li key={check.id}>
                    <StateLabel state={check.state} /> <strong>{check.title}</strong> <span className="quiet">{check.found}</span>
                    {check.state !== "ok" && check.advice && <p>{check.advice}</p>}
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
