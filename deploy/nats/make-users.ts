import { natsUsers } from '#broker/nats.ts';
import { GatewayName, Name } from '#protocol/names.ts';

/** Prints the users of a site: node deploy/nats/make-users.ts SITE GATEWAY... [--viewer NAME]... > users.conf */
const [site, ...names] = process.argv.slice(2);
const viewers: string[] = [];
const gateways: string[] = [];
while (names.length > 0) {
  const name = names.shift()!;
  if (name === '--viewer') viewers.push(names.shift() ?? '');
  else gateways.push(name);
}
const bad = [
  ...[site, ...viewers].filter((name) => !Name.safeParse(name).success),
  ...gateways.filter((name) => !GatewayName.safeParse(name).success),
];
if (bad.length === 0) process.stdout.write(natsUsers(site!, gateways, viewers));
else {
  process.stderr.write(
    `${bad.map((name) => `not a name: ${name ?? '(none)'}`).join('\n')}\nusage: node deploy/nats/make-users.ts SITE GATEWAY... [--viewer NAME]...\n`,
  );
  process.exitCode = 2;
}
