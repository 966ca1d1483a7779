/// What an entry of the audit says was asked for, by method and path as the API declares them.
const words: Readonly<Record<string, string>> = {
  "POST /api/v1/session": "Log in",
  "DELETE /api/v1/session": "Log out",
  "POST /api/v1/setup": "Set up the host",
  "POST /api/v1/vms": "Create a VM",
  "PATCH /api/v1/vms/{name}": "Change",
  "DELETE /api/v1/vms/{name}": "Delete",
  "POST /api/v1/vms/{name}/start": "Start",
  "POST /api/v1/vms/{name}/stop": "Stop",
  "POST /api/v1/vms/{name}/kill": "Kill",
  "POST /api/v1/vms/{name}/reset": "Reset",
  "POST /api/v1/vms/{name}/console": "Open a console",
  "POST /api/v1/vms/{name}/nics": "Add a NIC",
  "PATCH /api/v1/vms/{name}/nics/{nic}": "Change a NIC",
  "DELETE /api/v1/vms/{name}/nics/{nic}": "Remove a NIC",
  "POST /api/v1/vms/{name}/clone": "Clone",
  "POST /api/v1/vms/{name}/snapshots": "Snapshot",
  "DELETE /api/v1/vms/{name}/snapshots": "Delete snapshots",
  "PATCH /api/v1/vms/{name}/snapshots/{snapshot}": "Change a snapshot",
  "POST /api/v1/vms/{name}/snapshots/{snapshot}/rollback": "Roll back",
  "POST /api/v1/plans": "Make a plan",
  "PATCH /api/v1/plans/{name}": "Change a plan",
  "DELETE /api/v1/plans/{name}": "Delete a plan",
  "POST /api/v1/plans/{name}/run": "Run a plan",
  "POST /api/v1/switches": "Create a switch",
  "PUT /api/v1/switches/{name}": "Change a switch",
  "DELETE /api/v1/switches/{name}": "Delete a switch",
  "POST /api/v1/forwards": "Forward a port",
  "DELETE /api/v1/forwards/{name}": "Stop forwarding a port",
  "POST /api/v1/firewall": "Change pf.conf",
  "POST /api/v1/uplinks": "Change an uplink",
  "POST /api/v1/uplinks/confirm": "Keep a change of an uplink",
  "POST /api/v1/uplinks/revert": "Take a change of an uplink back",
  "POST /api/v1/tasks/{id}/cancel": "Cancel a task",
};

/// Undefined: an endpoint that this page does not know.
export const auditWords = (action: string): string | undefined => (Object.hasOwn(words, action) ? words[action] : undefined);

/// The VM that an entry is about, when it is one.
export const auditVm = (action: string, object: string): string | undefined =>
  object && action.includes(" /api/v1/vms/{name}") ? object : undefined;
