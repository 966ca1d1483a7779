import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { createBrowserRouter, Navigate, Outlet, RouterProvider, useLocation } from "react-router-dom";
import { onLoggedOut } from "./api/client";
import { LiveUpdates } from "./api/live";
import { codesPage } from "./api/problem";
import { createPage } from "./features/guests/guests";
import { useWhoAmI } from "./features/session/session";
import { Shell } from "./shell/shell";
import { Logo } from "./ui/logo";
import { ErrorBox } from "./ui/problem";
import { Waiting } from "./ui/page";

const Login = lazy(() => import("./features/session/login"));
const Overview = lazy(() => import("./features/host/overview"));
const Checks = lazy(() => import("./features/host/checks"));
const Setup = lazy(() => import("./features/host/setup"));
const GuestList = lazy(() => import("./features/guests/guest_list"));
const Create = lazy(() => import("./features/guests/create"));
const GuestPage = lazy(() => import("./features/guests/guest_page"));
const Templates = lazy(() => import("./features/templates/templates"));
const Networks = lazy(() => import("./features/network/networks"));
const Storage = lazy(() => import("./features/storage/storage_page"));
const Plans = lazy(() => import("./features/protection/plans"));
const Activity = lazy(() => import("./features/tasks/activity").then(({ Activity: page }) => ({ default: page })));
const TaskPage = lazy(() => import("./features/tasks/activity").then(({ TaskPage: page }) => ({ default: page })));
const Codes = lazy(() => import("./features/errors/codes_page"));
const Audit = lazy(() => import("./features/tasks/audit"));
const NoPage = lazy(() => import("./shell/no_page"));
const ConsoleWindow = lazy(() => import("./features/consoles/console").then(({ ConsoleWindow: page }) => ({ default: page })));

/// Lets only those through who are logged in; the others come back to this page after the log-in.
function Gate() {
  const client = useQueryClient();
  const location = useLocation();
  const who = useWhoAmI();
  useEffect(() => onLoggedOut(() => client.setQueryData(["whoami"], null)), [client]);
  if (who.error && !who.data) {
    return (
      <main className="login">
        <div className="login-box">
          <h1>
            <Logo />
          </h1>
          <ErrorBox error={who.error} retry={() => void who.refetch()} />
        </div>
      </main>
    );
  }
  // Also between two tries of a page that could not be opened.
  if (who.data === undefined)
    return (
      <main>
        <h1 className="pf-v6-screen-reader">bHype</h1>
        <Waiting label="Opening bHype" />
      </main>
    );
  if (who.data === null) {
    const to = location.pathname + location.search;
    return <Navigate to={to === "/" ? "/login" : `/login?to=${encodeURIComponent(to)}`} replace />;
  }
  return (
    <LiveUpdates>
      <Suspense fallback={<Waiting label="Opening the page" />}>
        <Outlet />
      </Suspense>
    </LiveUpdates>
  );
}

const router = createBrowserRouter([
  { path: "/login", element: <Suspense fallback={null}><Login /></Suspense> },
  { path: codesPage, element: <Suspense fallback={null}><Codes /></Suspense> },
  {
    element: <Gate />,
    children: [
      { path: "/guests/:name/console/:kind/window", element: <ConsoleWindow /> },
      {
        element: <Shell />,
        children: [
          { path: "/", element: <Overview /> },
          { path: "/guests", element: <GuestList /> },
          { path: createPage, element: <Create /> },
          { path: "/guests/:name/:tab?/:kind?", element: <GuestPage /> },
          { path: "/templates", element: <Templates /> },
          { path: "/networks/:tab?", element: <Networks /> },
          { path: "/storage/:tab?", element: <Storage /> },
          { path: "/protection", element: <Plans /> },
          { path: "/host", element: <Checks /> },
          { path: "/setup", element: <Setup /> },
          { path: "/activity", element: <Activity /> },
          { path: "/activity/audit", element: <Audit /> },
          { path: "/activity/:id", element: <TaskPage /> },
          { path: "*", element: <NoPage /> },
        ],
      },
    ],
  },
]);

export function App() {
  return <RouterProvider router={router} />;
}
