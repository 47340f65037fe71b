import { readEnrolmentAnswer } from '#protocol/enrolment.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { parseInvitation } from '#protocol/invitation.ts';
import { GatewayName } from '#protocol/names.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { readPublicFile, writeFileAtomic } from '#runtime/files.ts';
import type { TpmAddress } from '#runtime/tpm/openssl.ts';
import { askSite } from './ask-site.ts';
import { EnrolmentDraft } from './enrolment-draft.ts';

export type Enrolled = { readonly site: string; readonly gateway: string; readonly configFile: string };

/**
 * Enrols this machine by an invitation: makes its keys, asks the site, and writes the folder that the agent needs.
 *
 * @param outDirectory a folder that does not exist, or is empty
 * @param tpm makes the key of the connection in this TPM 2.0, which it never leaves
 * @throws BlindsightError INVITATION_INVALID, OUTPUT_EXISTS, and as `askSite` and `EnrolmentDraft.finish` say; the same invitation may be tried again
 */
export async function enrolByInvitation(
  token: string,
  outDirectory: string,
  tpm?: TpmAddress,
  clock: Clock = systemClock,
): Promise<Enrolled> {
  const invitation = parseInvitation(token);
  const { site, gateway, secret, fingerprint } = invitation;
  const draft = await EnrolmentDraft.begin(outDirectory, { site, gateway, secret, tpm });
  const answer = await askSite(invitation, draft.wire, clock.now());
  return { site, gateway, configFile: await draft.finish(answer, fingerprint, clock.now()) };
}

/**
 * Makes the keys, and a request that somebody carries to the site.
 *
 * @returns the digest of the request, to be compared there
 * @throws BlindsightError NAME_INVALID, OUTPUT_EXISTS
 */
export async function writeRequest(
  gateway: string,
  outDirectory: string,
  requestFile: string,
  tpm?: TpmAddress,
): Promise<string> {
  if (!GatewayName.safeParse(gateway).success) {
    throw new BlindsightError('NAME_INVALID', `"${gateway}" cannot be the name of a gateway`);
  }
  const draft = await EnrolmentDraft.begin(outDirectory, { site: null, gateway, secret: null, tpm });
  await writeFileAtomic(requestFile, draft.wire);
  return draft.digest;
}

/**
 * Finishes what {@link writeRequest} began, with what the site answered to it.
 *
 * @throws BlindsightError ENROLMENT_PENDING, ENROLMENT_INVALID, ENROLMENT_CLOCK, FILE_UNREADABLE
 */
export async function takeResponse(
  responseFile: string,
  outDirectory: string,
  clock: Clock = systemClock,
): Promise<Enrolled> {
  const draft = await EnrolmentDraft.resume(outDirectory);
  const answer = readEnrolmentAnswer(await readPublicFile(responseFile));
  const configFile = await draft.finish(answer, null, clock.now());
  return { site: answer.site, gateway: answer.gateway, configFile };
}
