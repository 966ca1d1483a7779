import { Card, CardBody, PageSection } from "@patternfly/react-core";
import { Link, useLocation } from "react-router-dom";
import { PageHead } from "../ui/page";

export default function NoPage() {
  const { pathname } = useLocation();
  return (
    <>
      <PageHead title="There is no such page" windowTitle="No such page" />
      <PageSection>
        <Card>
          <CardBody>
            <p className="anywhere">
              Nothing is at <code>{pathname}</code>. <Link to="/">To the overview</Link>
            </p>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
