import { Alert, Content } from "@patternfly/react-core";
import { useEffect, useRef } from "react";
import { Link, useLocation } from "react-router-dom";
import { Fact, Facts } from "../../ui/facts";
import { Logo } from "../../ui/logo";
import { useTheme } from "../../ui/theme";
import { byRoom, codes, entryOf } from "./codes";

/// Text with `words of a terminal` in backquotes.
function Words({ text }: { text: string }) {
  return <>{text.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}

function Entry({ code, chosen }: { code: string; chosen: boolean }) {
  const { status, title, meaning, advice } = codes[code]!;
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!chosen) return;
    place.current?.scrollIntoView({ block: "center" });
    place.current?.focus({ preventScroll: true });
  }, [chosen]);
  return (
    <section id={code} ref={place} tabIndex={-1} aria-labelledby={`${code}-title`} className={chosen ? "code-entry code-chosen" : "code-entry"}>
      <h3 id={`${code}-title`}>
        <a href={`#${code}`}>
          <code>{code}</code>
        </a>{" "}
        {title}
      </h3>
      <p>
        <Words text={meaning} />
      </p>
      <Facts className="code-facts">
        <Fact name="What to do">
          <Words text={advice} />
        </Fact>
        {status > 0 && <Fact name="HTTP status">{status}</Fact>}
      </Facts>
    </section>
  );
}

/// What each code of an error means and what to do: where the type of a problem document leads. It needs no log-in,
/// since the log-in has errors, too.
export default function Codes() {
  useTheme();
  const asked = useLocation().hash.slice(1);
  const entry = entryOf(asked);
  useEffect(() => {
    document.title = "Codes of errors - bHype";
  }, []);
  return (
    <main className="codes">
      <Link to="/" aria-label="bHype, overview">
        <Logo />
      </Link>
      <Content component="h1">Codes of errors</Content>
      <p>
        Every error of bHype carries one of these codes: in the web interface, on the command line and in the API&apos;s problem
        documents. A code keeps its meaning for ever; the words beside it may change.
      </p>
      {asked && !entry && (
        <Alert isInline variant="info" component="p" title={`The code ${asked} is not of this version of bHype.`} />
      )}
      {byRoom().map(({ room, codes: of }) => (
        <section key={room} aria-label={room}>
          <h2 className="section-title">{room}</h2>
          {of.map((code) => (
            <Entry key={code} code={code} chosen={code === entry} />
          ))}
        </section>
      ))}
    </main>
  );
}
