import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '#backend/enrolment/authority.ts';
import { RenewingGateway } from './renewing-gateway.ts';

/** Child of a crash test: renews its certificate for ever, and says the end of the one that it shows before and after each renewal. */
const folder = process.argv[2]!;
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const authority = new Authority(text('ca.pem'), text('ca.key'));
const gateway = await RenewingGateway.open(folder);
for (;;) {
  process.stdout.write(`${gateway.keeper.endMs}\n`);
  // Near enough to its end to ask, far enough to be valid.
  await gateway.age(120);
  const request = (await gateway.linkUp())!;
  await gateway.receive(request, await gateway.certify(authority, request, gateway.clock.now()));
}
