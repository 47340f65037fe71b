import { mosquittoAccessList } from '#broker/mosquitto.ts';
import { Name } from '#protocol/names.ts';

/** Prints the access list of a site: node deploy/mosquitto/make-acl.ts SITE > acl */
const site = Name.safeParse(process.argv[2]);
if (site.success) {
  process.stdout.write(mosquittoAccessList(site.data));
} else {
  process.stderr.write('usage: node deploy/mosquitto/make-acl.ts SITE\n');
  process.exitCode = 2;
}
