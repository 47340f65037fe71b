import { options, render } from 'preact';
import { applyStoredTheme } from './hooks/use-theme.ts';
import { Cockpit } from './parts/cockpit.tsx';

applyStoredTheme();
// Whatever changes between two frames is drawn together; a page that nobody sees has no frames, and is drawn all the same.
options.debounceRendering = (draw) =>
  document.hidden ? void setTimeout(draw) : void requestAnimationFrame(draw);

const root = document.getElementById('cockpit');
if (root === null) throw new Error('index.html has no element #cockpit');
render(<Cockpit />, root);
