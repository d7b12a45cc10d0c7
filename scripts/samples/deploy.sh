# Signs each release named on standard input; the deploy key comes in the environment, as build servers pass it.
eval "$(ssh-agent -s -a /srv/demo/agent)" >/dev/null
printf '%s\n' "$SSH_PRIVATE_KEY" | ssh-add -q -
ssh-add -L >deploy.pub
while read -r release; do
    printf '%s' "$release" | ssh-keygen -q -Y sign -n release -f deploy.pub
done
