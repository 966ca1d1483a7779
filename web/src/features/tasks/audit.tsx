import { Button, Card, CardBody, PageSection } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { AuditEntry } from "../../api/models";
import { codePage } from "../../api/problem";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Moment } from "../../ui/time";
import { guestPage } from "../guests/guests";
import { ActivityTabs } from "./activity_tabs";
import { auditVm, auditWords } from "./audit_words";

const pageRows = 100;

function Row({ entry }: { entry: AuditEntry }) {
  const vm = auditVm(entry.action, entry.object);
  return (
    <Tr>
      <Td dataLabel="When">
        <Moment at={entry.time * 1000} />
      </Td>
      <Td dataLabel="Who">
        {entry.user || "-"} <span className="quiet">from {entry.source === "cli" ? "the command line" : entry.source}</span>
      </Td>
      <Td dataLabel="What">{auditWords(entry.action) ?? <code>{entry.action}</code>}</Td>
      <Td dataLabel="Object" className={entry.object ? "anywhere" : "anywhere not-on-phone"}>
        {vm ? <Link to={guestPage(vm)}>{vm}</Link> : entry.object || "-"}
      </Td>
      <Td dataLabel="Outcome">
        {entry.outcome === "ok" ? (
          "taken"
        ) : (
          <>
            refused: <a href={codePage(entry.outcome)}>{entry.outcome}</a>
          </>
        )}
        {entry.task && (
          <>
            , <Link to={`/activity/${encodeURIComponent(entry.task)}`}>task</Link>
          </>
        )}
      </Td>
    </Tr>
  );
}

/// Who asked for what, as bhyped keeps it; only administrators see it.
export default function Audit() {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["audit"],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam, signal }) => get<AuditEntry[]>(`/audit?most=${pageRows}${pageParam ? `&before=${pageParam}` : ""}`, signal),
    getNextPageParam: (last) => (last.length === pageRows ? last.at(-1)!.number : undefined),
  });
  const entries = data?.pages.flat();
  return (
    <>
      <PageHead title="Activity" windowTitle="Audit" />
      <ActivityTabs />
      <PageSection>
        <Card>
          <CardBody>
            <p className="quiet">Everything that was asked of bHype and changes something, with who asked. How it ended is in its task.</p>
            {error && <ErrorBox error={error} retry={() => void refetch()} />}
            {!entries && !error && <Waiting label="Fetching the audit" />}
            {entries && (
              <Table variant="compact" aria-label="Audit" gridBreakPoint="grid-md" className="flush">
                <Thead>
                  <Tr>
                    {["When", "Who", "What", "Object", "Outcome"].map((head) => (
                      <Th key={head}>{head}</Th>
                    ))}
                  </Tr>
                </Thead>
                <Tbody>
                  {entries.map((entry) => (
                    <Row key={entry.number} entry={entry} />
                  ))}
                </Tbody>
              </Table>
            )}
            {hasNextPage && (
              <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                Show more
              </Button>
            )}
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
