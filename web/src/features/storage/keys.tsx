import { FormGroup, FormSelect, FormSelectOption } from "@patternfly/react-core";
import { useState } from "react";
import { call } from "../../api/client";
import type { Pool } from "../../api/models";
import { TextField } from "../guests/fields";
import { OrderDialog } from "../tasks/order_dialog";
import { poolPath } from "./storage";

export type Key = "" | "passphrase" | "file";

/// What a passphrase is called at the host, which keeps it for the next order.
async function give(secret: string): Promise<string> {
  return (await call<{ token: string }>("POST", "/secrets", { body: { secret } })).data.token;
}

export interface Encryption {
  key: Key;
  passphrase: string;
  again: string;
}
export const noEncryption: Encryption = { key: "", passphrase: "", again: "" };

export const isWhole = ({ key, passphrase, again }: Encryption): boolean => key !== "passphrase" || (passphrase.length >= 8 && passphrase === again);
export const wish = ({ key }: Encryption): { encryption?: { key: Exclude<Key, ""> } } => (key ? { encryption: { key } } : {});

/// The body with what the passphrase is called.
export async function withSecret(body: Record<string, unknown>, { key, passphrase }: Encryption): Promise<Record<string, unknown>> {
  return key === "passphrase" ? { ...body, encryption: { key, secret: await give(passphrase) } } : body;
}

export function EncryptionChoice({ value, onChange }: { value: Encryption; onChange: (next: Encryption) => void }) {
  const { key, passphrase, again } = value;
  return (
    <>
      <FormGroup label="Encryption" fieldId="pool-key">
        <FormSelect id="pool-key" value={key} onChange={(_event, next) => onChange({ ...noEncryption, key: next as Key })}>
          <FormSelectOption value="" label="None" />
          <FormSelectOption value="passphrase" label="Passphrase: somebody gives it after each boot" />
          <FormSelectOption value="file" label="Key file on this host: the pool opens itself at boot" />
        </FormSelect>
      </FormGroup>
      {key === "passphrase" && (
        <div className="field-row">
          <TextField id="pool-passphrase" label="Passphrase" required secret value={passphrase} onChange={(next) => onChange({ ...value, passphrase: next })}
            help="8 characters at least" problem={passphrase !== "" && passphrase.length < 8 ? "8 characters at least" : undefined} />
          <TextField id="pool-passphrase-again" label="The same again" required secret value={again} onChange={(next) => onChange({ ...value, again: next })}
            problem={again !== "" && again !== passphrase ? "It differs" : undefined} />
        </div>
      )}
    </>
  );
}

export function Unlock({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const [passphrase, setPassphrase] = useState("");
  const asks = pool.encryption === "passphrase";
  const path = poolPath(pool.name, "/unlock");
  return (
    <OrderDialog title={`Unlock pool ${pool.name}`} verb="Unlock" allowed={!asks || passphrase !== ""} onClose={onClose}
      order={() => ({ method: "POST", path, body: {}, prepare: async () => (asks ? { secret: await give(passphrase) } : {}) })}>
      <p>Its key is loaded and what is in it is mounted.</p>
      {asks && <TextField id="pool-unlock" label="Passphrase" required secret value={passphrase} onChange={setPassphrase} />}
    </OrderDialog>
  );
}

export function Lock({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  return (
    <OrderDialog title={`Lock pool ${pool.name}?`} verb="Lock" danger onClose={onClose} order={() => ({ method: "POST", path: poolPath(pool.name, "/lock") })}>
      <p>
        All of it is unmounted and its key is forgotten: nothing in it can be used until it is unlocked
        {pool.encryption === "passphrase" ? " with its passphrase" : ""}. VMs of it must be stopped first.
      </p>
    </OrderDialog>
  );
}
