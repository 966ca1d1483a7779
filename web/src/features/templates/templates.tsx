import { Card, CardBody, Label, PageSection } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { Template } from "../../api/models";
import { formatSize } from "../../text/size";
import { createPage } from "../guests/guests";
import { mayMake, useUser } from "../session/session";
import { PageHead, Waiting } from "../../ui/page";
import { StateLabel } from "../../ui/state";
import { ErrorBox } from "../../ui/problem";
import { kinds, sortTemplates } from "./kinds";

export default function Templates() {
  const may = mayMake(useUser());
  const { data, error, refetch } = useQuery({ queryKey: ["templates", "list"], queryFn: ({ signal }) => get<Template[]>("/templates", signal) });
  return (
    <>
      <PageHead title="Templates" windowTitle="Templates" />
      <PageSection>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the templates" />}
        <div className="cards template-cards">
          {sortTemplates(data ?? []).map((template) => (
            <Card key={template.name}>
              <CardBody>
                <h2 className="section-title">
                  {template.title} <Label isCompact>{kinds[template.kind]}</Label> {!template.available && <StateLabel state="warning" word="not usable yet" />}
                </h2>
                <p>{template.description}</p>
                <p className="quiet">
                  <code>{template.name}</code>, {template.cpus} {template.cpus === 1 ? "vCPU" : "vCPUs"}, {formatSize(template.memory)} memory, {formatSize(template.disk)} disk
                </p>
                {template.notes && <p className="template-notes">{template.notes}</p>}
                {!template.available && (
                  <>
                    <p>What is missing:</p>
                    <pre className="words">{template.why_not}</pre>
                  </>
                )}
                {template.available && may && (
                  <Link to={`${createPage}?template=${encodeURIComponent(template.name)}`} aria-label={`Create a VM from ${template.title}`}>
                    Create a VM from it
                  </Link>
                )}
              </CardBody>
            </Card>
          ))}
        </div>
      </PageSection>
    </>
  );
}
