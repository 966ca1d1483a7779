import { Alert, Button, Popover } from "@patternfly/react-core";
import ExclamationTriangleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import { Link } from "react-router-dom";
import { Since } from "../../ui/time";
import { useAlerts } from "./storage";

/// In the head of every page: nothing when nothing is wrong.
export function AlertsButton() {
  const { data } = useAlerts();
  if (!data || data.length === 0) return null;
  return (
    <Popover
      aria-label="What is wrong"
      headerContent="What is wrong"
      position="bottom-end"
      minWidth="24rem"
      bodyContent={
        <div className="cards">
          {data.map((alert) => (
            <Alert key={alert.id} isInline isPlain variant={alert.severity === "critical" ? "danger" : "warning"} component="p" title={alert.text}>
              {alert.advice} <span className="quiet">For <Since at={alert.since * 1000} />.</span>
            </Alert>
          ))}
          <Link to={data.every((alert) => alert.about.startsWith("disks/")) ? "/storage/disks" : "/storage"}>To the storage</Link>
        </div>
      }
    >
      <Button variant="plain" icon={<ExclamationTriangleIcon />} aria-label={data.length === 1 ? "One alert" : `${data.length} alerts`} className="alerts-button">
        <span className="badge numbers"> {data.length}</span>
      </Button>
    </Popover>
  );
}
