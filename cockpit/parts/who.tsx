import type { SessionView } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';

type Props = { readonly person: NonNullable<SessionView['person']>; readonly onLogOut: () => void };

/** Who is logged in, and the way out; nothing where nobody has to log in. */
export function Who({ person: { name, role, way }, onLogOut }: Props) {
  const words = useWords().who;
  if (way === 'this machine') return null;
  return (
    <span class="who">
      <span class="who-name">
        {name === 'token:file' ? words.token : name}
        <span class="quiet"> {words.roles[role]}</span>
      </span>
      {way === 'session' && (
        <button type="button" class="link" onClick={onLogOut}>
          {words.logOut}
        </button>
      )}
    </span>
  );
}
