import { useEffect, useMemo, useState } from 'preact/hooks';
import type { CameraView, GatewayView } from '#protocol/api.ts';
import { useCheck } from '../../hooks/use-check.ts';
import { type Draft, isChanged, useDraft } from '../../hooks/use-draft.ts';
import { useWords } from '../../hooks/use-words.ts';
import { firstSettings } from '../../view/first-settings.ts';
import { type JsonSchema, type SettingPath, settingAt } from '../../view/json-schema.ts';
import { countWithin, type SettingsProblem, settingsProblems } from '../../view/settings-problems.ts';
import type { Words } from '../../words/en.ts';
import { CameraPanel } from './camera-panel.tsx';
import { type FieldContext, Fields } from './fields.tsx';
import { PushState } from './push-state.tsx';
import { Review } from './review.tsx';
import { changeSetting, readSettings, type SettingsText } from './settings-text.ts';
import { YamlView } from './yaml-view.tsx';

type Props = {
  readonly gateway: GatewayView;
  /** Of this gateway. */
  readonly cameras: readonly CameraView[];
  /** Whether this reader may push. */
  readonly isReadOnly: boolean;
};

/** The settings of one gateway: edited as a form or as text, looked over, and pushed. */
export function SettingsEditor(props: Props) {
  const { gateway, cameras } = props;
  const { reading } = useWords().editor;
  const { state, change, reload } = useDraft(gateway.name, () => firstSettings(cameras));
  const draft = state.phase === 'ready' ? state.draft : null;
  const checked = useCheck(gateway.name, draft, !props.isReadOnly);
  const message = checked ?? refusalOf(gateway, draft);
  if (state.phase === 'loading') return <p class="opening">{reading}</p>;
  if (state.phase === 'failed') return <p class="notice tone-bad">{state.message}</p>;
  return (
    <Editing
      {...props}
      draft={state.draft}
      schema={state.schema}
      message={message}
      change={change}
      reload={reload}
    />
  );
}

/** Why the gateway rejected these very settings, which this site had nothing against. */
function refusalOf({ configuration }: GatewayView, draft: Draft | null): string | null {
  if (configuration?.status !== 'rejected' || draft === null) return null;
  return configuration.version === draft.base && !isChanged(draft)
    ? (configuration.error?.message ?? null)
    : null;
}

type EditingProps = Props & {
  readonly draft: Draft;
  readonly schema: JsonSchema;
  /** What the backend refuses; null for nothing. */
  readonly message: string | null;
  readonly change: (next: (draft: Draft) => Draft) => void;
  readonly reload: () => void;
};

function Editing(props: EditingProps) {
  const { gateway, draft, schema, message, change, reload, isReadOnly } = props;
  const words = useWords().editor;
  const [isText, setIsText] = useState(false);
  const [isReviewing, setIsReviewing] = useState(false);
  const settings = useMemo(() => readSettings(draft.text), [draft.text]);
  const problems = useMemo(() => (message === null ? [] : settingsProblems(message)), [message]);
  const newest = gateway.configuration?.version ?? draft.base;
  const hasChanges = isChanged(draft);
  // Somebody else pushed, and here is nothing that could be lost.
  useEffect(() => {
    if (newest > draft.base && !hasChanges) reload();
  }, [newest]);
  const setText = (text: string) => change((one) => ({ ...one, text }));

  if (isReviewing) {
    return (
      <Review
        gateway={gateway.name}
        draft={draft}
        newest={Math.max(newest, draft.base)}
        onPushed={() => {
          setIsReviewing(false);
          reload();
        }}
        onBack={() => setIsReviewing(false)}
        onRebase={(base) => change((one) => ({ ...one, base }))}
        onDiscard={() => {
          setIsReviewing(false);
          reload();
        }}
      />
    );
  }
  return (
    <div class="editor">
      <PushState gateway={gateway} draft={draft} onReload={reload} onCompare={() => setIsReviewing(true)} />
      <div class="editor-head">
        <div class="tabs" role="toolbar" aria-label={words.how}>
          <button type="button" aria-pressed={!isText} onClick={() => setIsText(false)}>
            {words.form}
          </button>
          <button type="button" aria-pressed={isText} onClick={() => setIsText(true)}>
            YAML
          </button>
        </div>
        <div class="actions">
          <span class="quiet" role="status">
            {statusWords(hasChanges, message, problems, words)}
          </span>
          {hasChanges && (
            <button type="button" class="plain" onClick={reload}>
              {words.discard}
            </button>
          )}
          <button
            type="button"
            class="primary"
            disabled={isReadOnly || (!hasChanges && draft.base > 0)}
            onClick={() => setIsReviewing(true)}
          >
            {words.review}
          </button>
        </div>
      </div>
      {message !== null && problems.length === 0 && <p class="notice tone-bad">{message}</p>}
      {isText || !settings.isWhole ? (
        <YamlView text={draft.text} problems={problems} isReadOnly={isReadOnly} onChange={setText} />
      ) : (
        <Form {...props} settings={settings} schema={schema} problems={problems} />
      )}
    </div>
  );
}

function statusWords(
  hasChanges: boolean,
  message: string | null,
  problems: readonly SettingsProblem[],
  words: Words['editor'],
): string {
  if (message !== null) return words.mistakes(problems.length);
  return hasChanges ? words.changed : words.asPushed;
}

type FormProps = EditingProps & {
  readonly settings: SettingsText;
  readonly problems: readonly SettingsProblem[];
};

/** Which part of the settings is open: a camera by its place, or everything that is no camera. */
type Part = number | 'gateway';

function Form({ gateway, cameras, draft, schema, settings, problems, change, isReadOnly }: FormProps) {
  const all = useWords();
  const words = all.editor;
  const names = cameraNames(settings.value);
  const [part, setPart] = useState<Part>(0);
  const open: Part = part !== 'gateway' && part >= names.length ? (names.length === 0 ? 'gateway' : 0) : part;
  const context: FieldContext = {
    ...{ value: settings.value, problems, isReadOnly },
    change: (path, value) => change((one) => changed(one, path, value)),
  };
  const add = () => {
    context.change(['cameras', names.length], { name: freeName(names), url: 'rtsp://' });
    setPart(names.length);
  };
  const cameraSchema = schema.properties?.cameras?.items;
  const name = open === 'gateway' ? '' : (names[open] ?? '');
  return (
    <div class="form">
      <nav class="form-parts" aria-label={words.parts}>
        {names.map((camera, index) => (
          <PartButton
            key={index}
            isOpen={open === index}
            mistakes={countWithin(problems, `cameras[${index}]`)}
            onClick={() => setPart(index)}
          >
            {camera === '' ? words.camera.unnamed : camera}
          </PartButton>
        ))}
        <button type="button" class="plain" disabled={isReadOnly} onClick={add}>
          {words.camera.add}
        </button>
        <PartButton
          isOpen={open === 'gateway'}
          mistakes={problems.filter(({ path }) => !path.startsWith('cameras[')).length}
          onClick={() => setPart('gateway')}
        >
          {words.gateway}
        </PartButton>
      </nav>
      {open === 'gateway' || !cameraSchema ? (
        <section class="gateway-fields" aria-label={all.gateways.one(gateway.name)}>
          {problems
            .filter(({ path }) => path === 'cameras' || !isField(schema, path))
            .filter(({ path }) => !path.startsWith('cameras['))
            .map(({ path, line, text }) => (
              <p key={`${path} ${line}`} class="field-problem">
                {words.line(line)}
                {path === '' ? '' : `, ${path}`}: {text}
              </p>
            ))}
          <Fields context={context} path={[]} schema={schema} except={['cameras']} />
        </section>
      ) : (
        <CameraPanel
          key={open}
          context={context}
          index={open}
          schema={cameraSchema}
          size={cameras.find(({ camera }) => camera === name)?.state?.size ?? null}
          isSealed={draft.sealed.includes(name)}
          logins={draft.logins}
          onLogin={(camera, login) => change((one) => withLogin(one, camera, login))}
          onRemove={() => {
            change((one) => withLogin(one, name, null));
            context.change(['cameras', open], undefined);
            setPart(0);
          }}
        />
      )}
    </div>
  );
}

function PartButton(props: {
  readonly isOpen: boolean;
  readonly mistakes: number;
  readonly onClick: () => void;
  readonly children: string;
}) {
  const { isOpen, mistakes, onClick, children } = props;
  const { mistakesHere } = useWords().editor;
  return (
    <button type="button" class="part" aria-current={isOpen ? 'true' : undefined} onClick={onClick}>
      {children}
      {mistakes > 0 && (
        <span class="chip tone-bad">
          <span class="dot" aria-hidden="true" />
          <span class="unseen">{mistakesHere(mistakes)}</span>
        </span>
      )}
    </button>
  );
}

/** With one setting changed; a camera that gets another name keeps the login that was typed for it. */
function changed(draft: Draft, path: SettingPath, value: unknown): Draft {
  const text = changeSetting(draft.text, path, value);
  if (path.length !== 3 || path[0] !== 'cameras' || path[2] !== 'name') return { ...draft, text };
  const before = String(settingAt(readSettings(draft.text).value, path) ?? '');
  const login = draft.logins[before];
  if (login === undefined) return { ...draft, text };
  return { ...withLogin(withLogin(draft, before, null), String(value), login), text };
}

function withLogin(draft: Draft, camera: string, login: string | null): Draft {
  const others = Object.entries(draft.logins).filter(([name]) => name !== camera);
  return { ...draft, logins: Object.fromEntries(login === null ? others : [...others, [camera, login]]) };
}

function cameraNames(value: unknown): readonly string[] {
  const cameras = settingAt(value, ['cameras']);
  return Array.isArray(cameras) ? cameras.map((camera) => String(settingAt(camera, ['name']) ?? '')) : [];
}

function freeName(names: readonly string[]): string {
  let number = names.length + 1;
  while (names.includes(`camera-${number}`)) number++;
  return `camera-${number}`;
}

/** Whether the form has a field of this path, at which its mistake is shown. */
function isField(schema: JsonSchema, path: string): boolean {
  let at: JsonSchema | undefined = schema;
  for (const key of path.split('.')) at = at?.properties?.[key];
  return at !== undefined && at.type !== 'object';
}
