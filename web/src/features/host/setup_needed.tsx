import { Alert } from "@patternfly/react-core";
import { Link } from "react-router-dom";
import { mayAdminister, useUser } from "../session/session";
import { useHost } from "./host";

/// What has to be done before there can be guests; nothing once it is done.
export function SetupNeeded() {
  const administers = mayAdminister(useUser());
  const { data } = useHost();
  if (!data || data.setup_done) return null;
  return (
    <Alert isInline variant="warning" component="p" title="bHype has no ZFS pool yet">
      {administers ? <Link to="/setup">Set the host up</Link> : "Ask an administrator of the host (group wheel) to set it up."}
    </Alert>
  );
}
