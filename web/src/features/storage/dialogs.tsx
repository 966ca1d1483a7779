import { Checkbox } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import type { Pool } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { ErrorBox } from "../../ui/problem";
import { Question } from "../../ui/question";
import { TextField } from "../guests/fields";
import { scheduleWords } from "../protection/schedule";
import { OrderDialog } from "../tasks/order_dialog";
import { AddDisks, MakePool, PutDisk } from "./disk_dialogs";
import { ImportPool } from "./import_dialog";
import { Lock, Unlock } from "./keys";
import { poolPath } from "./storage";

export type Asked =
  | { what: "make" | "import" }
  | { what: "add" | "export" | "clear" | "schedule" | "unlock" | "lock"; pool: Pool }
  | { what: "upkeep"; pool: Pool; word: "scrub" | "trim"; action: "start" | "pause" | "stop" }
  | { what: "replace" | "attach"; pool: Pool; device: string }
  | { what: "device"; pool: Pool; device: string; action: "online" | "offline" | "detach" | "remove" };

const upkeepWords = {
  scrub: {
    start: "Everything in the pool is read and checked, and mended from the other disks where it is damaged. VMs go on, more slowly.",
    pause: "It stays where it is and can go on later.",
    stop: "It begins from the start next time.",
  },
  trim: { start: "The disks are told which blocks are free. VMs go on.", pause: "", stop: "" },
};

const deviceWords = {
  online: "ZFS uses it again and brings it up to date.",
  offline: "ZFS does not use it until it is brought online again. Nothing is lost, and there is less redundancy meanwhile.",
  detach: "It leaves its mirror: the pool goes on without it, with less redundancy.",
  remove: "It leaves the pool. What is on it moves to the other devices first.",
};

function Schedule({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const client = useQueryClient();
  const [scheduled, setScheduled] = useState(true);
  const [schedule, setSchedule] = useState(pool.scrub ?? "0 3 1 * *");
  const change = useMutation({
    mutationFn: () => call("PUT", poolPath(pool.name, "/schedule"), { body: scheduled ? { scrub: schedule } : {} }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["pools"] });
      onClose();
    },
  });
  return (
    <Question title={`When is ${pool.name} scrubbed?`} verb="Keep" allowed={!scheduled || schedule !== ""} busy={change.isPending} onClose={onClose} onAnswer={() => change.mutate()}>
      <Checkbox id="scrub-scheduled" label="At set times" isChecked={scheduled} onChange={(_event, on) => setScheduled(on)} />
      {scheduled && (
        <TextField id="scrub-schedule" label="Schedule" required value={schedule} onChange={setSchedule} problem={fieldProblems(change.error)["scrub"]}
          help={scheduleWords(schedule) ?? "minute, hour, day of month, month, day of week, as in crontab(5)"} />
      )}
      {change.error && <ErrorBox error={change.error} />}
    </Question>
  );
}

export function Dialogs({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  switch (asked.what) {
    case "make":
      return <MakePool onClose={onClose} />;
    case "import":
      return <ImportPool onClose={onClose} />;
    case "add":
      return <AddDisks pool={asked.pool} onClose={onClose} />;
    case "replace":
    case "attach":
      return <PutDisk pool={asked.pool} device={asked.device} word={asked.what} onClose={onClose} />;
    case "schedule":
      return <Schedule pool={asked.pool} onClose={onClose} />;
    case "unlock":
      return <Unlock pool={asked.pool} onClose={onClose} />;
    case "lock":
      return <Lock pool={asked.pool} onClose={onClose} />;
    case "export":
      return (
        <OrderDialog title={`Export pool ${asked.pool.name}?`} verb="Export" danger onClose={onClose} order={() => ({ method: "POST", path: poolPath(asked.pool.name, "/export") })}>
          <p>Its file systems are unmounted and its disks can be taken out or used by another system. Nothing is lost; it can be imported again.</p>
        </OrderDialog>
      );
    case "clear":
      return (
        <OrderDialog title={`Clear the errors of pool ${asked.pool.name}?`} verb="Clear" onClose={onClose}
          order={() => ({ method: "POST", path: poolPath(asked.pool.name, "/clear"), body: {} })}>
          <p>The counters go back to 0, so that new errors are seen. Damaged data stays damaged.</p>
        </OrderDialog>
      );
    case "upkeep":
      return (
        <OrderDialog title={`${asked.action[0]?.toUpperCase()}${asked.action.slice(1)} the ${asked.word} of pool ${asked.pool.name}?`}
          verb={`${asked.action[0]?.toUpperCase()}${asked.action.slice(1)}`} onClose={onClose}
          order={() => ({ method: "POST", path: poolPath(asked.pool.name, `/${asked.word}`), body: { action: asked.action } })}>
          <p>{upkeepWords[asked.word][asked.action]}</p>
        </OrderDialog>
      );
    case "device":
      return (
        <OrderDialog title={`${asked.action[0]?.toUpperCase()}${asked.action.slice(1)} ${asked.device}?`} verb={`${asked.action[0]?.toUpperCase()}${asked.action.slice(1)}`}
          danger={asked.action !== "online"} onClose={onClose}
          order={() => ({ method: "POST", path: poolPath(asked.pool.name, "/devices"), body: { device: asked.device, action: asked.action } })}>
          <p>
            <code>zpool {asked.action} {asked.pool.name} {asked.device}</code>
          </p>
          <p>{deviceWords[asked.action]}</p>
        </OrderDialog>
      );
  }
}
