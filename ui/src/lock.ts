// Imported first: nothing else has run when prototypes are locked.
import { lockObjectPrototype } from './safe-freeze';

lockObjectPrototype();
