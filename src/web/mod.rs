//! People's side of the shell: pages, live figures, API.
