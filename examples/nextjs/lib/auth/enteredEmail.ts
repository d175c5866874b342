// The address that somebody entered on the last form, for the next one to start with. In memory
// alone: in the page's address it would get into histories and logs.

let entered = "";

export const rememberEmail = (email: string) => void (entered = email);
export const enteredEmail = () => entered;
