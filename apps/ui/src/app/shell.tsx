import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { send, serverUrl } from '../api/request.ts';
import { Icon } from '../components/icon.tsx';
import { useReachable } from './connection.ts';
import iconUrl from './icon.svg';
import { chooseTheme, THEMES, useTheme } from './theme.ts';
import { Toasts } from './toasts.tsx';

const CHECK_MS = 2000;

export function Shell() {
  return (
    <>
      <button type="button" className="skip-link" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <header className="topbar">
        <Link to="/experiments" className="brand">
          <img src={iconUrl} alt="" width="22" height="22" />
          Millrace
        </Link>
        <nav aria-label="Main">
          <Link to="/experiments" activeProps={{ className: 'current' }}>
            Experiments
          </Link>
        </nav>
        <ThemeToggle />
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Toasts />
    </>
  );
}

function ThemeToggle() {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <button
      type="button"
      className="button quiet theme"
      aria-label={`Theme: ${theme}. Change to ${next}`}
      title={`Theme: ${theme}`}
      onClick={() => chooseTheme(next)}
    >
      <Icon name={theme} />
    </button>
  );
}

/** While the server is away what was loaded stays readable; when it answers again everything is read anew. */
function ConnectionBanner() {
  const reachable = useReachable();
  const client = useQueryClient();
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(() => {
      send(serverUrl('health')).then(
        () => client.invalidateQueries(),
        () => undefined,
      );
    }, CHECK_MS);
    return () => clearInterval(timer);
  }, [reachable, client]);
  return (
    <div role="alert" className={reachable ? undefined : 'banner'}>
      {!reachable && 'The server does not answer. What you see may be out of date; the page reconnects by itself.'}
    </div>
  );
}
