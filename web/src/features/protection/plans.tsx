import { Button, Card, CardBody, PageSection } from "@patternfly/react-core";
import { ActionsColumn, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { get, segment } from "../../api/client";
import type { SnapshotPlanView } from "../../api/models";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { Until } from "../../ui/time";
import { guestPage } from "../guests/guests";
import { mayAdminister, useUser } from "../session/session";
import { OrderDialog } from "../tasks/order_dialog";
import { DeletePlanDialog, PlanDialog, PreviewDialog } from "./plan_dialogs";
import { retentionWords, scheduleWords } from "./schedule";

type Asked = { what: "make" } | { what: "change" | "run" | "preview" | "delete"; plan: SnapshotPlanView };

export default function Plans() {
  const user = useUser();
  const administers = mayAdminister(user);
  const { data, error, refetch } = useQuery({
    queryKey: ["plans", "list"],
    queryFn: ({ signal }) => get<SnapshotPlanView[]>("/plans", signal),
    refetchInterval: 60_000,
  });
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const makes = user.role !== "viewer";
  return (
    <>
      <PageHead
        title="Protection"
        windowTitle="Protection"
        actions={makes && <Button onClick={() => setAsked({ what: "make" })}>Make a plan</Button>}
      />
      <PageSection>
        <Card>
          <CardBody>
            {error && <ErrorBox error={error} retry={() => void refetch()} />}
            {!data && !error && <Waiting label="Fetching the plans" />}
            {data?.length === 0 && <p className="quiet">No plan yet. A plan takes snapshots of VMs at set times and keeps as many as you say.</p>}
            {data && data.length > 0 && (
              <Table variant="compact" aria-label="Plans" gridBreakPoint="grid-md" className="flush">
                <Thead>
                  <Tr>
                    {["Plan", "When", "Next", "VMs", "Keeps", "Last run"].map((head) => (
                      <Th key={head}>{head}</Th>
                    ))}
                    <Th screenReaderText="Actions" />
                  </Tr>
                </Thead>
                <Tbody>
                  {data.map((plan) => (
                    <Tr key={plan.name}>
                      <Td dataLabel="Plan">
                        {plan.name} {!plan.enabled && <StateLabel state="stopped" word="off" />}
                        <div className="quiet">{[plan.owner, plan.note].filter(Boolean).join(", ")}</div>
                      </Td>
                      <Td dataLabel="When">
                        {scheduleWords(plan.schedule)}
                        <div className="quiet">
                          <code>{plan.schedule}</code> {plan.zone}
                        </div>
                      </Td>
                      <Td dataLabel="Next">{plan.next[0] ? <Until at={plan.next[0] * 1000} /> : "-"}</Td>
                      <Td dataLabel="VMs">
                        {plan.all
                          ? "every one"
                          : plan.vms.map((name) => (
                              <div key={name}>
                                <Link to={guestPage(name)}>{name}</Link>
                              </div>
                            ))}
                        {plan.tags.length > 0 && <div>tagged {plan.tags.join(" or ")}</div>}
                      </Td>
                      <Td dataLabel="Keeps">{retentionWords(plan.retention)}</Td>
                      <Td dataLabel="Last run">{plan.last_task ? <Link to={`/activity/${plan.last_task}`}>its task</Link> : "-"}</Td>
                      <Td isActionCell>
                        {(administers || plan.owner === user.user) && (
                          <ActionsColumn
                            items={(
                              [
                                ["Run now", "run"],
                                ["Preview", "preview"],
                                ["Change", "change"],
                                ["Delete", "delete"],
                              ] as const
                            ).map(([title, what]) => ({ title, onClick: () => setAsked({ what, plan }) }))}
                          />
                        )}
                      </Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )}
          </CardBody>
        </Card>
        {asked?.what === "make" && <PlanDialog administers={administers} onClose={close} />}
        {asked?.what === "change" && <PlanDialog plan={asked.plan} administers={administers} onClose={close} />}
        {asked?.what === "preview" && <PreviewDialog plan={asked.plan} onClose={close} />}
        {asked?.what === "delete" && <DeletePlanDialog plan={asked.plan} onClose={close} />}
        {asked?.what === "run" && (
          <OrderDialog
            title={`Run plan ${asked.plan.name} now?`}
            verb="Run"
            onClose={close}
            order={() => ({ method: "POST", path: `/plans/${segment(asked.plan.name)}/run` })}
          >
            <p>A snapshot of each of its VMs; then what is too many of its own goes.</p>
          </OrderDialog>
        )}
      </PageSection>
    </>
  );
}
