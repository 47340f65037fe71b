import { render } from 'preact';
import { applyStoredTheme } from './hooks/use-theme.ts';
import { Cockpit } from './parts/cockpit.tsx';

applyStoredTheme();

const root = document.getElementById('cockpit');
if (root === null) throw new Error('index.html has no element #cockpit');
render(<Cockpit />, root);
