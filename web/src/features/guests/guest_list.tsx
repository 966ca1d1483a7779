import {
  Button,
  Card,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  PageSection,
  SearchInput,
  FormSelect,
  FormSelectOption,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, type ThProps, Tr } from "@patternfly/react-table";
import { memo, useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";
import type { VmSummary } from "../../api/models";
import { firstLine } from "../../text/lines";
import { formatSize } from "../../text/size";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Since } from "../../ui/time";
import { SetupNeeded } from "../host/setup_needed";
import { mayMake, useUser } from "../session/session";
import { GuestMenu } from "./guest_menu";
import { GuestState } from "./guest_state";
import { addressOf, type Column, columns, createPage, type Filter, filterVms, guestPage, sortVms, sumUp, sumWords, upSince, useVms } from "./guests";

const heads: Record<Column, string> = {
  name: "Name",
  state: "State",
  owner: "Owner",
  address: "Address",
  cpus: "CPUs",
  memory: "Memory",
  uptime: "Uptime",
};

/// Rows shown before "more" is asked for: a table of a thousand costs the browser a second.
const pageRows = 200;

const Row = memo(function Row({ vm }: { vm: VmSummary }) {
  return (
    <Tr>
      <Td className="guest-name">
        <Link to={guestPage(vm.name)}>{vm.name}</Link>
        {vm.tags.length > 0 && <div className="quiet not-on-phone">{vm.tags.join(" ")}</div>}
      </Td>
      <Td>
        <GuestState vm={vm} />
        {vm.state === "failed" && vm.reason && <div className="guest-reason quiet" title={vm.reason}>{firstLine(vm.reason)}</div>}
      </Td>
      <Td dataLabel={heads.owner} className="not-on-phone">{vm.owner || "-"}</Td>
      <Td dataLabel={heads.address} className={addressOf(vm) ? undefined : "nothing"}>{addressOf(vm) ?? "-"}</Td>
      <Td dataLabel={heads.cpus} className="numbers not-on-phone">
        {vm.cpus}
      </Td>
      <Td dataLabel={heads.memory} className="numbers not-on-phone">
        {formatSize(vm.memory)}
      </Td>
      <Td dataLabel={heads.uptime} className={upSince(vm) ? "numbers" : "nothing"}>
        <Since at={upSince(vm)} />
      </Td>
      <Td isActionCell>
        <GuestMenu vm={vm} />
      </Td>
    </Tr>
  );
});

function GuestTable({ vms }: { vms: readonly VmSummary[] }) {
  const [search, setSearch] = useSearchParams();
  const [rows, setRows] = useState(pageRows);
  const filter: Filter = { text: search.get("q") ?? "", state: (search.get("state") ?? "") as Filter["state"] };
  const by = columns.find((column) => column === search.get("sort")) ?? "name";
  const down = search.get("dir") === "down";
  const set = (changes: Record<string, string>) =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        for (const [key, value] of Object.entries(changes)) {
          if (value) next.set(key, value);
          else next.delete(key);
        }
        return next;
      },
      { replace: true },
    );
  const shown = useMemo(
    () => sortVms(filterVms(vms, { text: filter.text, state: filter.state }), { by, down }),
    [vms, filter.text, filter.state, by, down],
  );
  const running = sumUp(shown);
  const sort = (column: Column): ThProps["sort"] => ({
    sortBy: { index: columns.indexOf(by), direction: down ? "desc" : "asc" },
    onSort: (_event, _index, direction) => set({ sort: column, dir: direction === "desc" ? "down" : "" }),
    columnIndex: columns.indexOf(column),
  });
  return (
    <Card>
      <div className="list-tools">
        <SearchInput
          aria-label="Filter guests"
          placeholder="Name, owner, address, note"
          value={filter.text}
          onChange={(_event, text) => set({ q: text })}
          onClear={() => set({ q: "" })}
        />
        <FormSelect aria-label="State" className="narrow" value={filter.state} onChange={(_event, state) => set({ state })}>
          <FormSelectOption value="" label="Any state" />
          <FormSelectOption value="attention" label="Needs attention" />
          {["running", "stopped", "starting", "stopping", "failed"].map((state) => (
            <FormSelectOption key={state} value={state} label={state} />
          ))}
        </FormSelect>
        <span className="quiet numbers" role="status">
          {shown.length === vms.length ? `${vms.length} ${vms.length === 1 ? "guest" : "guests"}` : `${shown.length} of ${vms.length} guests`}
          {running.count > 0 && `, ${running.count} running with ${sumWords(running)}`}
        </span>
      </div>
      <Table variant="compact" aria-label="Guests" gridBreakPoint="grid-lg" className="guest-table">
        <Thead>
          <Tr>
            {columns.map((column) => (
              <Th key={column} modifier="nowrap" sort={sort(column)}>
                {heads[column]}
              </Th>
            ))}
            <Th screenReaderText="Actions" />
          </Tr>
        </Thead>
        <Tbody>
          {shown.slice(0, rows).map((vm) => (
            <Row key={vm.name} vm={vm} />
          ))}
        </Tbody>
      </Table>
      {shown.length === 0 && <p className="quiet list-note">No guest matches the filter.</p>}
      {shown.length > rows && (
        <Button variant="link" onClick={() => setRows(rows + pageRows)}>
          Show {Math.min(pageRows, shown.length - rows)} more
        </Button>
      )}
    </Card>
  );
}

export default function GuestList() {
  const { data: vms, error, refetch } = useVms();
  const may = mayMake(useUser());
  const create = may && (
    <Button component={(props) => <Link {...props} to={createPage} />}>Create</Button>
  );
  return (
    <>
      <PageHead title="Guests" windowTitle="Guests" actions={create} />
      <PageSection>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!vms && !error && <Waiting label="Fetching the guests" />}
        <SetupNeeded />
        {vms?.length === 0 && (
          <EmptyState titleText="No guests yet" headingLevel="h2">
            <EmptyStateBody>
              {may ? "Make the first one from a template." : "Those that you may use or look at are shown here."}
            </EmptyStateBody>
            {may && (
              <EmptyStateFooter>
                <EmptyStateActions>{create}</EmptyStateActions>
              </EmptyStateFooter>
            )}
          </EmptyState>
        )}
        {vms && vms.length > 0 && <GuestTable vms={vms} />}
      </PageSection>
    </>
  );
}
