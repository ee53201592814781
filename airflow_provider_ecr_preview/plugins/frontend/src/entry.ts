// What the host loads by a fixed name. Everything else has the hash of its content in its name.
import "./main";
