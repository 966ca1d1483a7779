import { Button, type ButtonProps } from "@patternfly/react-core";
import CheckIcon from "@patternfly/react-icons/dist/esm/icons/check-icon";
import CopyIcon from "@patternfly/react-icons/dist/esm/icons/copy-icon";
import { useEffect, useState } from "react";
import { copyText } from "./clipboard";

/// A button that copies and says that it did.
export function CopyButton({
  text,
  children,
  label,
  ...rest
}: { text: string; label?: string } & Omit<ButtonProps, "onClick" | "ref">) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button
      variant="link"
      size="sm"
      icon={copied ? <CheckIcon /> : <CopyIcon />}
      aria-label={children ? undefined : label}
      {...rest}
      onClick={() => void copyText(text).then(() => setCopied(true))}
    >
      {copied && children ? "Copied" : children}
    </Button>
  );
}
