import { Checkbox, FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { segment } from "../../api/client";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { TextField } from "../guests/fields";
import { OrderDialog } from "../tasks/order_dialog";
import { useImportable } from "./storage";

export function ImportPool({ onClose }: { onClose: () => void }) {
  const { data, error } = useImportable(true);
  const [wish, setWish] = useState<string>();
  const [name, setName] = useState<string>();
  const [force, setForce] = useState(false);
  const [mount, setMount] = useState(false);
  const chosen = data?.find((pool) => pool.guid === wish) ?? data?.[0];
  const foreign = /another system/.test(chosen?.reason ?? "");
  const shown = name ?? chosen?.name ?? "";
  return (
    <OrderDialog title="Import a pool" verb="Import" allowed={Boolean(chosen) && shown !== "" && (!foreign || force)} onClose={onClose}
      order={() => ({ method: "POST", path: `/importable-pools/${segment(chosen?.guid ?? "")}/import`, body: { name: shown, force, mount } })}>
      {error && <ErrorBox error={error} />}
      {!data && !error && <Waiting label="Reading the disks" />}
      {data?.length === 0 && <p className="quiet">No disk of this host has a pool that is not imported.</p>}
      {chosen && data && (
        <>
          <FormGroup role="radiogroup" label="Pool" fieldId="import-pool">
            {data.map((pool) => (
              <Radio key={pool.guid} id={`import-${pool.guid}`} name="import" label={`${pool.name}, ${pool.state}`} isChecked={pool === chosen}
                onChange={() => { setWish(pool.guid); setName(undefined); setForce(false); }}
                description={[pool.vdevs.filter(({ leaf }) => leaf).map((device) => device.name).join(" "), pool.reason].filter(Boolean).join(". ")} />
            ))}
          </FormGroup>
          <TextField id="import-name" label="Name" required value={shown} onChange={setName} />
          {foreign && (
            <Checkbox id="import-force" label="The system that had it does not use it any more" isChecked={force} onChange={(_event, on) => setForce(on)}
              description="Two systems that use one pool at a time destroy it." />
          )}
          <Checkbox id="import-mount" label="Mount its file systems where their mountpoints say" isChecked={mount} onChange={(_event, on) => setMount(on)}
            description="Look at them first when you do not know the pool: zfs list -r" />
        </>
      )}
    </OrderDialog>
  );
}
