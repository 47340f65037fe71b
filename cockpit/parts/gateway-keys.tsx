import { useState } from 'preact/hooks';
import { rekeyGateway } from '../site/rekey-gateway.ts';

type Outcome = { readonly ok: boolean; readonly text: string };

/** New keys for one gateway, when its owner has asked for them twice. */
export function GatewayKeys({ gateway }: { readonly gateway: string }) {
  const [step, setStep] = useState<'idle' | 'asking' | 'making'>('idle');
  const [reason, setReason] = useState('');
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const make = async () => {
    setStep('making');
    setOutcome(null);
    const answer = await rekeyGateway(gateway, reason.trim());
    setStep('idle');
    if (answer.ok) setReason('');
    setOutcome(
      answer.ok
        ? {
            ok: true,
            text: `Key set ${answer.value.keySet} is release ${answer.value.release}; it is sent to ${gateway} now.`,
          }
        : { ok: false, text: answer.message },
    );
  };
  return (
    <section class="card commands" aria-labelledby="keys-title">
      <h3 id="keys-title">Keys</h3>
      {step === 'asking' ? (
        <form
          class="command-ask"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <span>
            Its network is protected once more, which takes seconds to minutes. Answers under the keys of
            before are taken for three more days.
          </span>
          <label for="keys-reason">Reason</label>
          <input
            id="keys-reason"
            maxLength={200}
            placeholder="for the journal"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
          <button type="submit" class="primary">
            Make new keys for {gateway}
          </button>
          <button type="button" class="plain" onClick={() => setStep('idle')}>
            Leave it
          </button>
        </form>
      ) : (
        <div class="command-row">
          <button type="button" class="plain" disabled={step === 'making'} onClick={() => setStep('asking')}>
            New keys …
          </button>
          <span class="quiet" role="status">
            {step === 'making' ? 'New keys are being made …' : outcome?.ok ? outcome.text : ''}
          </span>
        </div>
      )}
      {outcome?.ok === false && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          {outcome.text}
        </p>
      )}
    </section>
  );
}
