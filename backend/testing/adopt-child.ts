// Adopts a site, to be killed meanwhile: node adopt-child.ts FROM PLACES
import { adoptSite } from '../installation/adopt-site.ts';

const [from, places] = process.argv.slice(2);
const me = { uid: process.getuid!(), gid: process.getgid!() };
process.stdout.write('begins\n');
await adoptSite({ from: from!, places: JSON.parse(places!), backend: me, broker: me, root: me });
