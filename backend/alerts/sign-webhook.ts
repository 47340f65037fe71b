import { createHmac } from 'node:crypto';

/**
 * Value of the header `X-Blindsight-Signature`: `t=SECONDS,v1=HEX`, an HMAC-SHA256 over `SECONDS.BODY`. The time is part of what is signed, so that a receiver can
 * refuse what somebody has recorded and sends again later.
 */
export function signWebhook(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${signature}`;
}
