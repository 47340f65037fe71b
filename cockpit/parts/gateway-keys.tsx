import { useState } from 'preact/hooks';
import { useWords } from '../hooks/use-words.ts';
import { rekeyGateway } from '../site/rekey-gateway.ts';

type Outcome = { readonly ok: boolean; readonly text: string };

/** New keys for one gateway, when its owner has asked for them twice. */
export function GatewayKeys({ gateway }: { readonly gateway: string }) {
  const words = useWords().gateways;
  const { keys } = words;
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
            text: keys.made(answer.value.keySet, answer.value.release, gateway),
          }
        : { ok: false, text: answer.message },
    );
  };
  return (
    <section class="card commands" aria-labelledby="keys-title">
      <h3 id="keys-title">{keys.title}</h3>
      {step === 'asking' ? (
        <form
          class="command-ask"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <span>{keys.meaning}</span>
          <label for="keys-reason">{keys.reason}</label>
          <input
            id="keys-reason"
            maxLength={200}
            placeholder={keys.reasonHint}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
          <button type="submit" class="primary">
            {keys.make(gateway)}
          </button>
          <button type="button" class="plain" onClick={() => setStep('idle')}>
            {words.leave}
          </button>
        </form>
      ) : (
        <div class="command-row">
          <button type="button" class="plain" disabled={step === 'making'} onClick={() => setStep('asking')}>
            {keys.ask}
          </button>
          <span class="quiet" role="status">
            {step === 'making' ? keys.making : outcome?.ok ? outcome.text : ''}
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
