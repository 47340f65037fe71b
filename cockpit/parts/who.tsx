import type { SessionView } from '#protocol/api.ts';

type Props = { readonly person: NonNullable<SessionView['person']>; readonly onLogOut: () => void };

/** Who is logged in, and the way out; nothing where nobody has to log in. */
export function Who({ person: { name, role, way }, onLogOut }: Props) {
  if (way === 'this machine') return null;
  return (
    <span class="who">
      <span class="who-name">
        {name === 'token:file' ? 'Token of the site' : name}
        <span class="quiet"> {role}</span>
      </span>
      {way === 'session' && (
        <button type="button" class="link" onClick={onLogOut}>
          Log out
        </button>
      )}
    </span>
  );
}
