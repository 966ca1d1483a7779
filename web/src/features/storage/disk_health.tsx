import { Alert, Button, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { get, segment } from "../../api/client";
import type { Disk, DiskReport } from "../../api/models";
import { formatSize } from "../../text/size";
import { Fact, Facts } from "../../ui/facts";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { Moment } from "../../ui/time";
import { figureLines, healthLook, sharedRemarks } from "./disk_words";

function Report({ disk }: { disk: string }) {
  const path = `/disks/${segment(disk)}/health`;
  const key = ["pools", "disks", disk];
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => get<DiskReport>(path, signal) });
  const [failure, setFailure] = useState<Error>();
  const ask = async () => {
    setAsking(true);
    setFailure(undefined);
    try {
      client.setQueryData(key, await get<DiskReport>(`${path}?fresh=1`));
    } catch (problem) {
      setFailure(problem as Error);
    }
    setAsking(false);
  };
  if (error) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting label="Reading what the disk said" />;
  const { judgement, figures } = data;
  return (
    <div className="cards">
      <p>
        <StateLabel {...healthLook(judgement.verdict)} /> {judgement.text}
      </p>
      {judgement.findings.length === 0 && judgement.advice && <p className="quiet">{judgement.advice}</p>}
      {judgement.findings.map((finding) => (
        <Alert key={finding.id} isInline isPlain component="p" variant={finding.severity === "critical" ? "danger" : "warning"} title={finding.text}>
          {finding.advice}
        </Alert>
      ))}
      {figures && (
        <Facts>
          {figureLines(figures, formatSize).map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </Facts>
      )}
      {failure && <ErrorBox error={failure} />}
      <p className="quiet">
        {data.at == null ? "It was not asked yet." : <>Asked <Moment at={data.at * 1000} />{data.asleep && "; it sleeps since"}.</>}{" "}
        <Button variant="link" isInline isLoading={asking} isDisabled={asking} onClick={() => void ask()}>
          Ask it now
        </Button>
      </p>
    </div>
  );
}

/// A word in the table; all that the disk tells on demand.
export function DiskHealth({ disk }: { disk: Disk }) {
  const look = healthLook(disk.health);
  const [open, setOpen] = useState(false);
  const title = `disk-health-${disk.name}`;
  return (
    <>
      <Button variant="link" isInline aria-label={`Health of ${disk.name}: ${look.word}`} onClick={() => setOpen(true)}>
        <StateLabel {...look} />
      </Button>
      {open && (
        <Modal variant="small" isOpen onClose={() => setOpen(false)} aria-labelledby={title}>
          <ModalHeader title={`Health of ${disk.name}`} labelId={title} />
          <ModalBody>
            <Report disk={disk.name} />
          </ModalBody>
        </Modal>
      )}
    </>
  );
}

/// What is not well, said once for all disks that have it alike.
export function DiskRemarks({ disks }: { disks: readonly Disk[] }) {
  return (
    <>
      {sharedRemarks(disks).map(({ names, verdict, text, advice }) => (
        <Alert key={text} isInline component="p" variant={verdict === "failing" ? "danger" : verdict === "attention" ? "warning" : "info"} title={`${names.join(", ")}: ${text}`}>
          {advice}
        </Alert>
      ))}
    </>
  );
}
